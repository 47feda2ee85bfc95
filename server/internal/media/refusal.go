package media

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// What is wrong with an upload, where a code of the protocol says too little.
// The errors that wrap them are *protocol.Error too.
var (
	ErrTooLarge = errors.New("too large")         // bytes, pixels or the user's quota
	ErrType     = errors.New("unacceptable type") // or damaged
)

// refusal is a sentence for the sender, with what it is an instance of.
func refusal(of error, e *protocol.Error) error { return fmt.Errorf("%w: %w", of, e) }

func wrongType(sentence string) error {
	return refusal(ErrType, protocol.Refuse(protocol.InvalidRequest, sentence))
}

func tooLarge(sentence string) error {
	return refusal(ErrTooLarge, protocol.Refuse(protocol.InvalidRequest, sentence))
}

// retryMs is when a disk that took nothing may be tried again.
const retryMs = 10_000

// unwritable is what a sender is told when the disk takes nothing; nil for nil.
func unwritable(err error) error {
	if err == nil {
		return nil
	}
	why := "the gateway cannot write files right now"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		why = "the gateway's disk is full"
	}
	return fmt.Errorf("write a file: %w (%w)", &protocol.Error{Code: protocol.Unavailable, Retryable: true, RetryAfterMs: retryMs,
		Message: why + ": the file was not kept, try again later"}, err)
}

var errNotOwner = protocol.Refuse(protocol.Forbidden, "file does not belong to user")

var errNoFile = protocol.Refuse(protocol.NotFound, "there is no such file")

// spelled is a size for people.
func spelled(n int64) string {
	const kib, mib = 1 << 10, 1 << 20
	switch {
	case n >= mib && n%mib == 0:
		return fmt.Sprintf("%d MiB", n/mib)
	case n >= mib:
		return fmt.Sprintf("%.1f MiB", float64(n)/mib)
	case n >= kib:
		return fmt.Sprintf("%.0f KiB", float64(n)/kib)
	}
	return fmt.Sprintf("%d bytes", n)
}
