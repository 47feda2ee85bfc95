//go:build js

package main

import _ "unsafe" // for go:linkname

// setEventHandler sets the function that the runtime calls whenever JavaScript resumes
// it, and which reports whether it has handled an event. The runtime has no default for
// it: package syscall/js sets it, which would add 21 kB to the download. This client
// needs nothing of syscall/js, since JavaScript calls its exports instead.
//
//go:linkname setEventHandler syscall/js.setEventHandler
func setEventHandler(handled func() bool)
