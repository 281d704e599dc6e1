"""Discovery, the plan of who runs at each step, the guard around foreign code, and the loop."""
