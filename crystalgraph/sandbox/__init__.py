"""Where students' code runs: walls, worker, wire, and what stands for the code outside.

The package knows no lab: the module of a lab's checks, and the folders that must not be seen, are
handed down.

    walls         a process of ours in bubblewrap, and the proof that it holds
    inner_walls   what is around each sandbox inside those walls
    server        sandboxes, and the process from which they are forked
    forbidden_calls   calls of the system that no code in there can make
    worker        what runs in there: loads a student's code and calls it
    forks         a function in a process of its own, with a limit of time
    wire          messages between the two sides
    packing       values as JSON and arrays
    arguments     arguments of tasks that are more than numbers, and what calls do to them
    student_code  what is sent into the sandbox for one task
    session       one task at work in a sandbox, its time limits and its end
    stand_ins     functions and classes that look like the student's, for the checks outside
"""
