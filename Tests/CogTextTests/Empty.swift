// Empty until its subject is written.
