"""Who may connect (users), what they may do (access rules), and how they know each other (certificates).

The three are separate questions, and MQTT answers each at another moment: users and certificates at CONNECT,
access rules at every SUBSCRIBE, PUBLISH and delivery.
"""

from mqttkit.security.access import Access, AccessRule, covers
from mqttkit.security.certificates import Certificate, LessonCA, hosts_at
from mqttkit.security.users import Users, hash_password, verify_password

__all__ = [
    "Access",
    "AccessRule",
    "Certificate",
    "LessonCA",
    "Users",
    "covers",
    "hash_password",
    "hosts_at",
    "verify_password",
]
