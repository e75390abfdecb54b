"""What `./dev lint` and `./dev docs` check, a module each.

A check returns its findings: the line, what is wrong there, and under which combination of parameters. What is wrong with
no line of the template is a finding of line 0.
"""
