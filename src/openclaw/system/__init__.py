"""The one place that touches the machine: errors, secrets, environment, clock, tasks, logs, files, processes, HTTP."""
