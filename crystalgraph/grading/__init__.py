"""The batch grader: `crystalgraph grade`.

In the order in which a hand-in meets them:

    intake/     what was handed in, made fit to be graded
        sources                     hand-ins in a folder, a zip or a platform's download
        hand_ins                    the files of one, read
        file_names, archives, notebook_text     names, zips and notebooks made by strangers
        answers                     the student's code and texts in it
        matching, repair            damaged notebooks put in order
        sanitizer                   texts, pictures and outputs, fit to be shown
    marking     one hand-in in, one result out, by the sandbox and the lab's checks
    secret      what the inputs of a student are drawn with
    result      what marking gives
    batch       many hand-ins: resumed, spread over processes and machines
    workers     hand-ins to workers and results back, on this computer or others
    results_folder                  the results on disk
    similarity  hand-ins that are nearly the same
    reports/    what people read
        marked_notebooks, gradebook     notebooks with our reports, scores in nbgrader's gradebook
        feedback, class_report, pages   HTML pages

The right answers never enter the sandbox; nothing that comes out of it is trusted.
"""
