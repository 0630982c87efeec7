"""The state of the broker as plain values for the console, lessons and graders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqttkit.broker.state import ConnectedClient, Queued, RetainedMessage, SessionState, Subscription

if TYPE_CHECKING:
    from mqttkit.broker.embedded.broker import CorrectedBroker
    from mqttkit.broker.embedded.session import Delivery, Session


def clients(broker: CorrectedBroker) -> list[ConnectedClient]:
    """Connected clients, by name."""
    served = [(handler.connect, handler.link) for handler in broker.handlers if handler.session is not None]
    found = [
        ConnectedClient(c.client_id, c.username, c.clean_session, c.keep_alive, c.protocol, link.kind, c.will_topic)
        for c, link in served
        if c is not None
    ]
    return sorted(found, key=lambda client: client.client_id)


def subscriptions(broker: CorrectedBroker) -> list[Subscription]:
    """Subscriptions of every session, by client and in the order they were made."""
    return [
        Subscription(session.client_id, topic_filter, granted)
        for session in _by_name(broker)
        for topic_filter, granted in session.subscriptions.items()
    ]


def retained(broker: CorrectedBroker) -> list[RetainedMessage]:
    """Retained messages, by topic."""
    kept = broker.retained_messages
    return [RetainedMessage(topic, kept[topic].payload, kept[topic].qos) for topic in sorted(kept)]


def sessions(broker: CorrectedBroker) -> list[SessionState]:
    """Everything the broker remembers of each client, by name."""
    return [
        SessionState(
            session.client_id,
            connected=session.link is not None,
            clean_session=bool(session.clean_session),
            subscriptions=len(session.subscriptions),
            in_flight=tuple(_queued(item) for item in session.inflight_out.values()),
            queued=tuple(_queued(item) for item in session.queue),
            unreleased=tuple(session.inflight_in),
        )
        for session in _by_name(broker)
    ]


def _queued(item: Delivery) -> Queued:
    return Queued(item.publication.topic, item.publication.payload, item.qos, item.packet_id)


def _by_name(broker: CorrectedBroker) -> list[Session]:
    return [broker._sessions[name][0] for name in sorted(broker._sessions)]  # noqa: SLF001 - amqtt's attribute
