//go:build js

package main

import _ "unsafe" // for go:linkname

// setEventHandler sets the function that the runtime calls whenever JavaScript resumes the
// runtime. The function reports whether it has handled an event. The runtime has no default
// function. Usually package syscall/js sets one, but would add 21 kB to the download. This
// client needs nothing else of syscall/js, since JavaScript calls the client's exports.
//
//go:linkname setEventHandler syscall/js.setEventHandler
func setEventHandler(handled func() bool)
