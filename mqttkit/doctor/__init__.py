"""Is this computer ready for the course? `mqttkit doctor` in a terminal, `doctor()` in a notebook.

```python
from mqttkit.doctor import doctor

doctor()            # what the course needs, with a proof that the broker works
doctor().parts      # the optional programs: which are here, what each is for, how to get it
```
"""

from mqttkit.doctor.report import Report, doctor
from mqttkit.doctor.terminal import run_doctor

__all__ = ["Report", "doctor", "run_doctor"]
