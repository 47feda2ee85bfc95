package webhooktest

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestVerifyRefuses: that a sound request is taken, the tests of the sender show.
func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	key := []byte("a key of thirty-two bytes length")
	request := func(id string, at time.Time, signature string) http.Header {
		h := http.Header{}
		h.Set("Webhook-Id", id)
		h.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
		h.Set("Webhook-Signature", signature)
		return h
	}
	for name, h := range map[string]http.Header{
		"nothing":      {},
		"no id":        request("", time.Now(), "v1,AAAA"),
		"no signature": request("msg_1", time.Now(), ""),
		"another":      request("msg_1", time.Now(), "v1,AAAA v2,AAAA"),
		"old":          request("msg_1", time.Now().Add(-6*time.Minute), "v1,AAAA"),
		"early":        request("msg_1", time.Now().Add(6*time.Minute), "v1,AAAA"),
	} {
		if Verify(key, h, []byte("{}")) == nil {
			t.Errorf("%s: the request is taken", name)
		}
	}
}
