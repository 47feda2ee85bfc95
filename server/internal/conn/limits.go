package conn

import (
	"cmp"
	"fmt"
	"time"
)

// Limits bound one connection. A field that is zero takes its default.
type Limits struct {
	Frame            int // bytes a message after Admit; default 512 KiB
	FrameBeforeAdmit int // bytes a message until Admit; default 16 KiB

	// What may wait for a full socket. A single frame always fits an empty queue.
	QueueBytes  int // default 1 MiB
	QueueFrames int // default 1024

	Ping  time.Duration // at most this long between two pings; default 30 s
	Read  time.Duration // a connection is dead this long after its last sign of life; default 60 s
	Write time.Duration // for one frame to leave once the socket was full; default 10 s
	Close time.Duration // from the close frame to the end of the socket; default 5 s
	Hello time.Duration // from the upgrade, or AwaitHello, to HelloDone or Admit; default 10 s
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

// frame returns the bytes that a message may have.
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
