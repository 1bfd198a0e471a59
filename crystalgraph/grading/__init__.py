"""The batch grader: `crystalgraph grade`.

One file per idea, in the order in which a hand-in meets them:

    hand_ins    what was handed in, from a folder, a zip or a platform's download
    names, archives, texts      whose a file is; folders, zips and notebooks made by strangers
    answers     the student's code and texts in it
    repair      damaged notebooks put in order
    sandbox     a place where strangers' code can do no harm
    worker      what runs in there
    wire        how the two sides talk
    values, arguments   what they say: numbers, crystals, the arguments of tasks
    remote      the student's functions and layers, as the checks on this side see them
    draw        inputs of this student's own
    plans, replay       steps of checks that are taken otherwise here
    marking     all of it together: one hand-in in, one result out
    result      what that is
    batch       many of them: resumed, spread over processes and machines
    spread      hand-ins to workers and results back, on this computer or others
    store       the results folder
    autograded  notebooks with our reports in them, for formgrader
    gradebook   results into nbgrader's gradebook
    feedback, class_report, similar     what people read

The right answers never enter the sandbox; nothing that comes out of it is trusted.
"""
