// Package webhooktest verifies signed requests as a receiver does, for tests. It
// follows the specification of Standard Webhooks and shares no code with the sender;
// server/e2e/webhook asks the library of Standard Webhooks instead.
package webhooktest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// tolerance is how far a request's time may be from the receiver's.
const tolerance = 5 * time.Minute

// Verify reports why a receiver with this key must refuse a request, or nil.
func Verify(key []byte, header http.Header, body []byte) error {
	id, at := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return fmt.Errorf("the timestamp: %w", err)
	}
	if age := time.Since(time.Unix(seconds, 0)); id == "" || age.Abs() > tolerance {
		return fmt.Errorf("the id is %q, the age %v", id, age)
	}
	sum := hmac.New(sha256.New, key)
	fmt.Fprintf(sum, "%s.%s.%s", id, at, body)
	for signature := range strings.FieldsSeq(header.Get("Webhook-Signature")) {
		text, ok := strings.CutPrefix(signature, "v1,")
		claimed, err := base64.StdEncoding.DecodeString(text)
		if ok && err == nil && hmac.Equal(claimed, sum.Sum(nil)) {
			return nil
		}
	}
	return errors.New("no signature fits")
}
