# Adds up the instructions that an emulator has run, out of QEMU's log (-d in_asm,exec,nochain): each block of
# code is listed when it is translated, with a line for each instruction, and named whenever it runs.
/^IN:/ { block = "" }
/^0x/ {
  address = substr($1, 3)
  sub(/:$/, "", address)
  while (length(address) < 16) address = "0" address
  if (block == "") { block = address; size[block] = 0 }
  size[block]++
}
/^Trace/ {
  split($0, fields, "/")
  if (!(fields[2] in size)) { print "a block of unknown size ran: " $0 > "/dev/stderr"; exit 1 }
  total += size[fields[2]]
}
END { print total + 0 }
