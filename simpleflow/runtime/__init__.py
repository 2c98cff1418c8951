"""The machines that run programs: processes that poll, decide, work, and watch over each other."""
