package pairing

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Whoever can write cookies into somebody's browser, from a subdomain or over plain HTTP,
// could plant a credential that they know, and would have access once an admin approves
// the code that this browser shows. So a browser only ever uses credentials that the
// gateway has issued to it, and gets a new one whenever it asks while its request is
// pending, and once more when it was approved: the one before is worth nothing from the
// new one's first use on. A program keeps the sender_id that it was given. Planted into a
// browser, a sender_id is changed like any other credential.

const (
	maxIssued    = 1 << 16 // issued credentials that are not in use yet
	maxRenewals  = 4       // of them, for one device
	issuedLife   = time.Hour
	renewalGrace = time.Minute // see issuedCredentials.adopted
)

// Issue returns a new credential for a browser that has none. It must be used within an
// hour.
func (s *Service) Issue() string {
	secret := NewCredential()
	s.issued.add(credential.DigestOf(secret), "")
	return secret
}

// Issued reports whether Issue has returned the credential, which is not in use yet.
func (s *Service) Issued(secret string) bool {
	device, ok := s.issued.find(credential.DigestOf(secret))
	return ok && device == ""
}

// Renew returns the credential that a browser with that one is to have from now on: a new
// one if its request is pending, whoever has made it, or was approved since the browser has
// had the credential, else the same. The old one is valid until the new one's first use, so that a lost answer costs
// the browser nothing. If no device has the credential, Renew returns "".
func (s *Service) Renew(ctx context.Context, secret string) (string, error) {
	r, err := s.bySecret(ctx, "renew a credential", secret)
	switch {
	case status(err) == protocol.PairingUnknown:
		return "", nil
	case err != nil:
		return "", err
	}
	switch st := s.currentStatus(r); {
	case st == protocol.PairingPending, st == protocol.PairingApproved && r.Renew:
	default:
		return secret, nil
	}
	renewed := NewCredential()
	s.issued.add(credential.DigestOf(renewed), r.ID)
	return renewed, nil
}

// adopt makes a renewed credential, of which digest is given, that of its device, and
// returns the device's record. For any other credential it refuses with NOT_PAIRED.
func (s *Service) adopt(ctx context.Context, what string, digest credential.Digest) (Record, error) {
	if device, ok := s.issued.find(digest); !ok || device == "" {
		return Record{}, notPaired(protocol.PairingUnknown)
	}
	var r Record
	err := s.change(ctx, what, func(tx Tx, now protocol.Time) (func(), error) {
		device, ok := s.issued.find(digest)
		if !ok || device == "" { // another renewal of the device was faster
			return nil, notPaired(protocol.PairingUnknown)
		}
		var err error
		switch r, err = tx.ByID(device); {
		case errors.Is(err, store.ErrNotFound):
			return nil, notPaired(protocol.PairingUnknown)
		case err != nil:
			return nil, err
		}
		old := r.Secret
		if old == digest { // by another call, just now
			return nil, nil
		}
		approved := r.status(now) == protocol.PairingApproved
		r.Secret, r.Renew = digest, !approved // only browsers have renewed credentials
		if err := errors.Join(tx.SetSecret(r.ID, digest), tx.Replace(r)); err != nil {
			return nil, err
		}
		return func() {
			s.issued.adopted(digest, device, approved)
			s.notifier.CredentialRenewed(device, old)
		}, nil
	})
	return r, err
}

// issuedCredentials remembers the credentials that were issued and are not in use yet. A
// restart forgets them, and the browsers get others. Its zero value is ready for use.
type issuedCredentials struct {
	// mu guards the following fields.
	mu       sync.Mutex
	issued   map[credential.Digest]issuedCredential
	order    []credential.Digest            // oldest first; also of some that are no longer in issued
	renewals map[string][]credential.Digest // by device, oldest first
}

type issuedCredential struct {
	device  string // whose credential it renews; empty: it is a stranger's first one
	expires time.Time
}

// add remembers a credential. If there are too many, the oldest is forgotten.
func (c *issuedCredentials) add(digest credential.Digest, device string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.issued == nil {
		c.issued = map[credential.Digest]issuedCredential{}
		c.renewals = map[string][]credential.Digest{}
	}
	now := time.Now()
	for len(c.order) > 0 {
		oldest, known := c.issued[c.order[0]]
		if known && now.Before(oldest.expires) && len(c.order) < maxIssued {
			break
		}
		c.removeLocked(c.order[0])
		c.order = c.order[1:]
	}
	c.issued[digest] = issuedCredential{device, now.Add(issuedLife)}
	c.order = append(c.order, digest)
	if device != "" {
		if list := c.renewals[device]; len(list) >= maxRenewals {
			c.removeLocked(list[0])
		}
		c.renewals[device] = append(c.renewals[device], digest)
	}
}

func (c *issuedCredentials) find(digest credential.Digest) (device string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.issued[digest]
	return found.device, ok && time.Now().Before(found.expires)
}

// adopted forgets a credential that is in use now, and the device's other ones. Those of an
// approved device stay for renewalGrace: two tabs of one browser may each have asked for a
// new credential, and the cookie may be the other one.
func (c *issuedCredentials) adopted(digest credential.Digest, device string, approved bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removeLocked(digest)
	for _, other := range append([]credential.Digest(nil), c.renewals[device]...) {
		if approved {
			c.issued[other] = issuedCredential{device, time.Now().Add(renewalGrace)}
		} else {
			c.removeLocked(other)
		}
	}
}

func (c *issuedCredentials) removeLocked(digest credential.Digest) {
	device := c.issued[digest].device
	delete(c.issued, digest)
	list := c.renewals[device]
	for i, d := range list {
		if d == digest {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(c.renewals, device)
		return
	}
	c.renewals[device] = list
}
