//go:build js

package main

import _ "unsafe" // for go:linkname

// setEventHandler says what the runtime asks whenever JavaScript gives it a turn:
// whether there was an event for package syscall/js. It has no default, and that
// package, which nothing else here needs, is 21 kB of download. What JavaScript has
// to say it says by calling exports.
//
//go:linkname setEventHandler syscall/js.setEventHandler
func setEventHandler(handled func() bool)
