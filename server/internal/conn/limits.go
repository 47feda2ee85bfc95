package conn

import (
	"cmp"
	"fmt"
	"time"
)

// Limits bound one connection. A field that is zero takes its default.
type Limits struct {
	Frame            int // most bytes of a message after Admit; default 512 KiB
	FrameBeforeAdmit int // most bytes of a message until Admit; default 16 KiB

	// QueueBytes and QueueFrames bound what waits while the socket is full. An empty
	// queue takes a frame of any size.
	QueueBytes  int // default 1 MiB
	QueueFrames int // default 1024

	Ping  time.Duration // most time between two pings; default 30 s
	Read  time.Duration // most time between two signs of life of the peer; default 60 s
	Write time.Duration // most time to write a frame once the socket was full; default 10 s
	Close time.Duration // most time from the close frame to the socket's end; default 5 s
	Hello time.Duration // most time from Accept or AwaitHello to HelloDone or Admit; default 10 s
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Frame:            cmp.Or(l.Frame, 512<<10),
		FrameBeforeAdmit: cmp.Or(l.FrameBeforeAdmit, 16<<10),
		QueueBytes:       cmp.Or(l.QueueBytes, 1<<20),
		QueueFrames:      cmp.Or(l.QueueFrames, 1024),
		Ping:             cmp.Or(l.Ping, 30*time.Second),
		Read:             cmp.Or(l.Read, 60*time.Second),
		Write:            cmp.Or(l.Write, 10*time.Second),
		Close:            cmp.Or(l.Close, 5*time.Second),
		Hello:            cmp.Or(l.Hello, 10*time.Second),
	}
}

// frame is the most bytes of a message.
func (l *Limits) frame(admitted bool) int {
	if admitted {
		return l.Frame
	}
	return l.FrameBeforeAdmit
}

// tooBig is the close reason for a message with more bytes than frame allows.
func (l *Limits) tooBig(admitted bool) string {
	if admitted {
		return "frame over " + sizeText(l.Frame) + ": split it, or upload files over HTTP"
	}
	return "frame over " + sizeText(l.FrameBeforeAdmit) + " before authentication: send connect first"
}

func sizeText(n int) string {
	if n%1024 == 0 {
		return fmt.Sprintf("%d KiB", n/1024)
	}
	return fmt.Sprintf("%d bytes", n)
}

// secondsText writes d as people do: "10 s".
func secondsText(d time.Duration) string {
	return fmt.Sprintf("%g s", d.Seconds())
}
