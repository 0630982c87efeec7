#!/bin/sh
# The same conversation in a shell, with mosquitto_pub and mosquitto_sub, which are written in C.
#
#   sh mosquitto.sh 127.0.0.1 1883
host=${1:-127.0.0.1}
port=${2:-1883}

# The answer may come as soon as we have said hello: listen first. -C 1 ends after one message, -W 10 after ten seconds.
# -E ends this first call once it has subscribed; the session is kept (-c), so what comes meanwhile waits for the second.
mosquitto_sub -h "$host" -p "$port" -i shell -c -q 1 -t hello/python -E || exit 1
mosquitto_pub -h "$host" -p "$port" -i shell-says -q 1 -t hello/shell -m "Hello from C" || exit 1
mosquitto_sub -h "$host" -p "$port" -i shell -c -q 1 -t hello/python -C 1 -W 10 -F "shell received %t %p"
