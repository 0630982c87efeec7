"""`python -m mqttkit` is the same as `mqttkit`."""

import sys

from mqttkit.cli import main

sys.exit(main())
