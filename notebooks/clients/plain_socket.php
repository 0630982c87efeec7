<?php
// The same conversation in PHP, without any library: MQTT is few enough bytes to write by hand.
//
//   php plain_socket.php 127.0.0.1 1883

[$host, $port] = [$argv[1] ?? '127.0.0.1', $argv[2] ?? '1883'];

function text(string $s): string { return pack('n', strlen($s)) . $s; }          // two bytes of length, then UTF-8
function packet(int $first, string $body): string                                 // these packets are shorter than 128 bytes
{
    return chr($first) . chr(strlen($body)) . $body;
}
function read_packet($link): array                                                // [first byte, body]
{
    $head = read_bytes($link, 2);
    return [ord($head[0]), read_bytes($link, ord($head[1]))];
}
function read_bytes($link, int $count): string
{
    $got = '';
    while (strlen($got) < $count) {
        $piece = fread($link, $count - strlen($got));
        if ($piece === false || $piece === '') { fwrite(STDERR, "no answer within 10 s\n"); exit(1); }
        $got .= $piece;
    }
    return $got;
}

$link = stream_socket_client("tcp://$host:$port", $code, $why, 5) or (fwrite(STDERR, "$why\n") && exit(1));
stream_set_timeout($link, 10);

// CONNECT: protocol name, level 4 (MQTT 3.1.1), flags (clean session), keep alive 60 s, client id
fwrite($link, packet(0x10, text('MQTT') . "\x04\x02" . pack('n', 60) . text('php')));
[$type, $body] = read_packet($link);
if ($type !== 0x20 || $body[1] !== "\x00") { fwrite(STDERR, "the broker refused\n"); exit(1); }

fwrite($link, packet(0x82, pack('n', 1) . text('hello/python') . "\x00"));        // SUBSCRIBE, packet id 1, QoS 0
[$type] = read_packet($link);
if ($type !== 0x90) { fwrite(STDERR, "no SUBACK\n"); exit(1); }

fwrite($link, packet(0x32, text('hello/php') . pack('n', 2) . 'Hello from PHP')); // PUBLISH, QoS 1, packet id 2
do {
    [$type, $body] = read_packet($link);                                          // the PUBACK may come first
} while ($type >> 4 !== 3);
$length = unpack('n', $body)[1];
echo 'php received ', substr($body, 2, $length), ' ', substr($body, 2 + $length), "\n";
fwrite($link, "\xe0\x00");                                                        // DISCONNECT
