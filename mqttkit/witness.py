"""What a broker elsewhere must know, worked out from the packets that a lab's network has carried.

A broker that is known by its URL only does not tell who is connected or what it keeps. For clients of the lab the network has
seen it all: CONNECT and its end, SUBSCRIBE and what was granted, every PUBLISH. Of anybody else it knows nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqttkit.broker.remote import RemoteBroker
from mqttkit.broker.state import ConnectedClient, Queued, RetainedMessage, SessionState, Subscription, Table

if TYPE_CHECKING:
    from mqttkit.packets import Packet
    from mqttkit.trace import Trace
    from mqttkit.trace.sessions import Sessions


class WitnessedBroker(RemoteBroker):
    """A broker elsewhere that answers from what the network before it has seen.

    Attributes:
        trace: of that network; None until it is there.
    """

    trace: Trace | None = None

    def clients(self) -> list[ConnectedClient]:
        """The clients that came through the network and are connected now."""
        return Table(
            ConnectedClient,
            sorted((self._client(*one) for one in self._connections()), key=lambda one: one.client_id),
        )

    def subscriptions(self) -> list[Subscription]:
        """Who of them has subscribed to what."""
        return Table(
            Subscription,
            [
                Subscription(name, topic_filter, qos)
                for name, session in sorted(self._view().by_client.items(), key=lambda item: item[0])
                for topic_filter, qos in sorted(session.filters.items())
            ],
        )

    def retained(self) -> list[RetainedMessage]:
        """The retained messages that they published, or left as a will."""
        view = self._view()
        stored = sorted(view.retained.items())
        return Table(RetainedMessage, [RetainedMessage(t, p, view.retained_qos[t]) for t, p in stored])

    def sessions(self) -> list[SessionState]:
        """What is remembered of them, with all that waits for those who are away."""
        return Table(
            SessionState,
            [
                SessionState(
                    name,
                    connected=bool(session.link),
                    clean_session=session.clean,
                    subscriptions=len(session.filters),
                    queued=tuple(Queued(*message, 0) for message in session.queue),
                )
                for name, session in sorted(self._view().by_client.items(), key=_name)
            ],
        )

    # --- from the packets
    def _view(self) -> Sessions:
        return self._seen().broker_view()

    def _seen(self) -> Trace:
        if self.trace is None:
            self._engine.clients()  # raises: nobody has looked
        assert self.trace is not None
        return self.trace

    def _connections(self) -> list[tuple[str, Packet]]:
        """Name and CONNECT of each connection that is up; kept on the link, as a trace may be cleared, or forget."""
        seen = self._seen().links
        up = [seen[session.link] for session in self._view().by_client.values() if session.link]
        return [(link.name, link.connect) for link in up if link.connect is not None]

    def _client(self, name: str, packet: Packet) -> ConnectedClient:
        return ConnectedClient(
            name,
            packet.username,
            clean_session=bool(packet.clean_session),
            keep_alive=packet.keep_alive or 0,
            protocol=packet.protocol,
            listener=next(iter(self._ports)),
            will_topic=packet.will.topic if packet.will else None,
        )


def _name(item: tuple[str, object]) -> str:
    """The client id of a session's entry."""
    return item[0]
