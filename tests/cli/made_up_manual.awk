# Made-up lines of a manual, English TAB German, with numbers, placeholders, part numbers, names and tags: N lines from seed S;
# with unseen=1, of values and names that other seeds do not have.
function draw(n) { x = (x * 1103515245 + 12345) % 2147483648; return int(x / 65536) % n }
function pick(list,  n, w) { n = split(list, w, " "); return w[draw(n) + 1] }
function value(  v) { v = 10 + draw(unseen ? 9000 : 400); return unseen ? v + 400 : v }
function name() { return unseen ? pick("Zimmermann Okonkwo Petrova Lindqvist Yamamoto") : pick("Smith Garcia Miller Brown Jones Novak") }
function part() { return (unseen ? pick("QX ZK WV") : pick("AB CD EF")) "-" value() }
function hole() { return unseen ? pick("{user} %(name)s {{total}} ${path} %d") : pick("%s {file} {count} %i {{x}}") }
BEGIN {
  x = s * 7919 + 1
  for (i = 0; i < n; i++) {
    a = value(); b = value(); p = part(); m = name(); h = hole()
    k = draw(8)
    if (k == 0) print "Tighten the screw to " a " Nm.\tZiehen Sie die Schraube mit " a " Nm an."
    if (k == 1) print "The pump " p " needs " a " volts.\tDie Pumpe " p " braucht " a " Volt."
    if (k == 2) print m " ordered " a " valves.\t" m " bestellte " a " Ventile."
    if (k == 3) print "Cannot open " h ".\t" h " kann nicht geöffnet werden."
    if (k == 4) print "Press <b>start</b> and wait " a " seconds.\tDrücken Sie <b>Start</b> und warten Sie " a " Sekunden."
    if (k == 5) print "Ask " m " for the part " p ".\tFragen Sie " m " nach dem Teil " p "."
    if (k == 6) print h " of " a " files were copied.\t" h " von " a " Dateien wurden kopiert."
    if (k == 7) print "Between " a " and " b " degrees the pump " p " stops.\tZwischen " a " und " b " Grad stoppt die Pumpe " p "."
  }
}
