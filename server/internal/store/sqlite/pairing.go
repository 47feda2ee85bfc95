package sqlite

import (
	"errors"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Pairings returns the store of devices.
func (s *Store) Pairings() pairing.Store {
	return part[pairing.Tx]{s, func(tx *Tx) pairing.Tx { return pairingTx{tx} }}
}

type pairingTx struct{ tx *Tx }

const deviceColumns = `id, secret, kind, status, code, binding, user_id, role, label, name, address, network,
	user_agent, created_at, expires_at, resolved_at, resolved_by, last_seen_at, renew`

func scanDevice(row Row) (r pairing.Record, err error) {
	var secret []byte
	err = row.Scan(&r.ID, &secret, &r.Kind, &r.Status, &r.Code, &r.Binding, &r.UserID, &r.Role,
		&r.Label, &r.Name, &r.Address, &r.Network, &r.UserAgent, &r.CreatedAt, &r.ExpiresAt,
		&r.ResolvedAt, &r.ResolvedBy, &r.LastSeenAt, &r.Renew)
	if err == nil && len(secret) != len(r.Secret) {
		err = errors.New("sqlite: a device's digest has the wrong length")
	}
	copy(r.Secret[:], secret)
	return r, err
}

func (p pairingTx) Insert(r pairing.Record) error {
	_, err := p.tx.Exec(`INSERT INTO devices (`+deviceColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		r.ID, r.Secret[:], string(r.Kind), r.Status, r.Code, r.Binding, r.UserID, string(r.Role),
		r.Label, r.Name, r.Address, r.Network, r.UserAgent, int64(r.CreatedAt),
		int64(r.ExpiresAt), int64(r.ResolvedAt), r.ResolvedBy, int64(r.LastSeenAt), r.Renew)
	return err
}

func (p pairingTx) Replace(r pairing.Record) error {
	n, err := p.tx.Exec(`UPDATE devices SET status = ?, code = ?, binding = ?, user_id = ?, role = ?, label = ?, name = ?,
		address = ?, user_agent = ?, expires_at = ?, resolved_at = ?, resolved_by = ?, last_seen_at = ?, renew = ? WHERE id = ?`,
		r.Status, r.Code, r.Binding, r.UserID, string(r.Role), r.Label, r.Name,
		r.Address, r.UserAgent, int64(r.ExpiresAt), int64(r.ResolvedAt), r.ResolvedBy,
		int64(r.LastSeenAt), r.Renew, r.ID)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

func (p pairingTx) SetSecret(id string, d credential.Digest) error {
	n, err := p.tx.Exec(`UPDATE devices SET secret = ? WHERE id = ?`, d[:], id)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

func (p pairingTx) BySecret(d credential.Digest) (pairing.Record, error) {
	return p.one(`SELECT `+deviceColumns+` FROM devices WHERE secret = ?`, d[:])
}

func (p pairingTx) ByID(id string) (pairing.Record, error) {
	return p.one(`SELECT `+deviceColumns+` FROM devices WHERE id = ?`, id)
}

func (p pairingTx) ByCode(code string) (pairing.Record, error) {
	return p.one(`SELECT `+deviceColumns+` FROM devices WHERE code = ? AND code <> '' ORDER BY created_at DESC, id DESC LIMIT 1`, code)
}

func (p pairingTx) List(status string, limit int) ([]pairing.Record, error) {
	return p.all(`SELECT `+deviceColumns+` FROM devices WHERE status = ? ORDER BY created_at DESC, id DESC LIMIT ?`,
		status, limit)
}

func (p pairingTx) Resolved(limit int) ([]pairing.Record, error) {
	return p.all(`SELECT `+deviceColumns+` FROM devices WHERE resolved_at > 0 ORDER BY resolved_at DESC, id DESC LIMIT ?`, limit)
}

func (p pairingTx) Expired(now protocol.Time, limit int) ([]pairing.Record, error) {
	return p.all(`SELECT `+deviceColumns+` FROM devices WHERE status = 'pending' AND expires_at <= ? LIMIT ?`,
		int64(now), limit)
}

func (p pairingTx) WithOtherBinding(binding string, limit int) ([]pairing.Record, error) {
	return p.all(`SELECT `+deviceColumns+` FROM devices WHERE status = 'approved' AND kind = 'signin' AND binding <> ? LIMIT ?`,
		binding, limit)
}

func (p pairingTx) PendingOfNetwork(network string, now protocol.Time) ([]pairing.Record, error) {
	// The + prevents SQLite from using the index by time, which has all networks.
	return p.all(`SELECT `+deviceColumns+` FROM devices WHERE network = ? AND status = 'pending' AND +expires_at > ?`,
		network, int64(now))
}

func (p pairingTx) CountPending(now protocol.Time) (n int, first protocol.Time, err error) {
	err = p.tx.QueryRow(`SELECT count(*), coalesce(min(expires_at), 0) FROM devices WHERE status = 'pending' AND expires_at > ?`,
		int64(now)).Scan(&n, &first)
	return n, first, err
}

func (p pairingTx) Places(now protocol.Time) ([]pairing.Place, error) {
	return all(p.tx.Query(`SELECT id, network, created_at, last_seen_at FROM devices WHERE status = 'pending' AND expires_at > ?`,
		int64(now)), func(row Row) (r pairing.Place, err error) {
		err = row.Scan(&r.ID, &r.Network, &r.CreatedAt, &r.LastSeenAt)
		return r, err
	})
}

func (p pairingTx) LastDenied(network string) (at protocol.Time, err error) {
	err = p.tx.QueryRow(`SELECT coalesce(max(resolved_at), 0) FROM devices WHERE network = ? AND status = 'denied'`,
		network).Scan(&at)
	return at, err
}

func (p pairingTx) UserExists(userID string) (known bool, err error) {
	err = p.tx.QueryRow(`SELECT ?1 <> '' AND (
		EXISTS (SELECT 1 FROM devices WHERE user_id = ?1 AND user_id <> '')
		OR EXISTS (SELECT 1 FROM api_keys WHERE user_id = ?1)
		OR EXISTS (SELECT 1 FROM sessions WHERE user_id = ?1 AND deleted_at = 0)
		OR EXISTS (SELECT 1 FROM sends WHERE user_id = ?1))`, userID).Scan(&known)
	return known, err
}

// Users reads the users of sessions by jumping from each to the next one in the index, since
// a user may have many sessions.
func (p pairingTx) Users(now protocol.Time, limit int) (users []protocol.KnownUser, err error) {
	return all(p.tx.Query(`WITH RECURSIVE chatting (id) AS (
			SELECT min(user_id) FROM sessions WHERE deleted_at = 0
			UNION ALL
			SELECT (SELECT min(user_id) FROM sessions WHERE deleted_at = 0 AND user_id > chatting.id)
			FROM chatting WHERE id IS NOT NULL LIMIT ?2)
		SELECT user_id, coalesce(min(role), '') FROM (
			SELECT user_id, iif(status = 'approved', role, NULL) AS role FROM devices WHERE user_id <> ''
			UNION ALL
			SELECT user_id, iif(revoked_at = 0 AND (expires_at = 0 OR expires_at > ?1), role, NULL) FROM api_keys
			UNION ALL
			SELECT id, NULL FROM chatting WHERE id IS NOT NULL)
		GROUP BY user_id ORDER BY user_id LIMIT ?2`, int64(now), limit),
		func(row Row) (u protocol.KnownUser, err error) {
			err = row.Scan(&u.UserID, &u.Role)
			return u, err
		})
}

func (p pairingTx) Touch(id string, at protocol.Time) error {
	_, err := p.tx.Exec(`UPDATE devices SET last_seen_at = ?1 WHERE id = ?2 AND last_seen_at < ?1`,
		int64(at), id)
	return err
}

func (p pairingTx) Prune(status string, before protocol.Time) error {
	_, err := p.tx.Exec(`DELETE FROM devices WHERE status = ? AND resolved_at > 0 AND resolved_at < ?`,
		status, int64(before))
	return err
}

func (p pairingTx) one(query string, args ...any) (pairing.Record, error) {
	return one(p.tx.Query(query, args...), scanDevice)
}

func (p pairingTx) all(query string, args ...any) ([]pairing.Record, error) {
	return all(p.tx.Query(query, args...), scanDevice)
}
