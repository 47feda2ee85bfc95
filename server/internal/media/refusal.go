package media

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Reasons for the refusal of an upload that the code of the protocol does not tell apart.
// Errors that wrap these also wrap a *protocol.Error.
var (
	// ErrTooLarge says that a file has too many bytes or pixels, or exceeds the quota.
	ErrTooLarge = errors.New("too large")
	// ErrType says that the type of a file is not accepted, or that a file is damaged.
	ErrType = errors.New("unacceptable type")
)

// refusal returns an error that wraps reason and the refusal for the sender.
func refusal(reason error, e *protocol.Error) error { return fmt.Errorf("%w: %w", reason, e) }

// wrongType refuses a file with ErrType.
func wrongType(sentence string) error {
	return refusal(ErrType, protocol.Refuse(protocol.InvalidRequest, sentence))
}

// notText refuses a file that is of no known kind and that is no text, by its first bytes.
func notText(head []byte) error {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return wrongType("the file is text in UTF-16: save it as UTF-8 and send it again")
	}
	return wrongType("the file is neither of a known kind nor text in UTF-8; accepted are " +
		accepted + "; a text in another encoding can be sent when it is saved as UTF-8")
}

// tooLarge refuses a file with ErrTooLarge.
func tooLarge(sentence string) error {
	return refusal(ErrTooLarge, protocol.Refuse(protocol.InvalidRequest, sentence))
}

// retryMs is the retry delay after the disk could not be written.
const retryMs = 10_000

// unwritable wraps an error of the disk into a refusal for the sender. It returns nil for
// nil.
func unwritable(err error) error {
	if err == nil {
		return nil
	}
	why := "the gateway cannot write files right now"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		why = "the gateway's disk is full"
	}
	return fmt.Errorf("write a file: %w (%w)",
		&protocol.Error{Code: protocol.Unavailable, Retryable: true, RetryAfterMs: retryMs,
			Message: why + ": the file was not stored; try again later"}, err)
}

var errNotOwner = protocol.Refuse(protocol.Forbidden, "file does not belong to user")

var errNoFile = protocol.Refuse(protocol.NotFound, "there is no such file")

// sizeText returns a size for people.
func sizeText(n int64) string {
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
