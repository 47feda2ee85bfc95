// Command traced does what Go's runtime needs names of functions for, prints the
// results and a stack trace from JavaScript, and ends with a panic. It must print the
// same whether it has been squeezed or not.
package main

import (
	"runtime"
	"strings"
	"syscall/js"
)

type word string

func (w word) String() string { return string(w) }

// text is read through a variable, so that the compiler cannot tell what it holds.
var text interface{ String() string } = (*word)(nil)

// wrapper calls a method of a value through a nil pointer, which the runtime turns
// into a panic that can be recovered, by the name of the method.
func wrapper() {
	defer func() {
		err, ok := recover().(runtime.Error)
		println("recovered:", ok && strings.HasPrefix(err.Error(), "value method "))
	}()
	println(text.String())
}

func stack() string { return js.Global().Get("Error").New().Get("stack").String() }

func inner(n int) {
	if n == 0 {
		panic("the end")
	}
	defer println("deferred", n)
	inner(n - 1)
}

func main() {
	wrapper()
	block := make(chan int)
	go func() { <-block }()
	runtime.Gosched()
	println("goroutines:", runtime.NumGoroutine())
	println(stack())
	inner(2)
}
