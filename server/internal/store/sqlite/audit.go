package sqlite

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Audit returns the store of the audit log.
func (s *Store) Audit() audit.Store { return auditLog{s} }

type auditLog struct{ s store.Transactions[*Tx] }

func (a auditLog) Append(ctx context.Context, e protocol.AuditEntry) (id int64, err error) {
	err = a.s.Update(ctx, func(tx *Tx) error {
		return tx.QueryRow(`INSERT INTO audit (at, user_id, role, via, address, action, target, detail)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			int64(e.At), e.UserID, string(e.Role), e.Via, e.Address, e.Action, e.Target, e.Detail).Scan(&id)
	})
	return id, err
}

func (a auditLog) Fail(ctx context.Context, id int64, why string) error {
	return a.s.Update(ctx, func(tx *Tx) error {
		var found bool
		err := tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM audit WHERE id = ?)`, id).Scan(&found)
		switch {
		case err != nil:
			return err
		case !found:
			return store.ErrNotFound
		}
		_, err = tx.Exec(`INSERT INTO audit_failures (entry_id, reason)
			SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM audit_failures WHERE entry_id = ?1)`, id, why)
		return err
	})
}

// auditStep is how many entries List looks at in one View. Between two steps other readers
// have their turn.
const auditStep = 2000

func (a auditLog) List(ctx context.Context,
	f audit.Filter) (list []protocol.AuditEntry, err error) {
	if f.Before == 0 {
		f.Before = maxInteger
	}
	limit := f.Limit
	for more := true; more && len(list) < limit; {
		f.Limit = limit - len(list)
		var found []protocol.AuditEntry
		var next int64
		err := a.s.View(ctx, func(tx *Tx) (err error) {
			found, next, err = auditPart(tx, f)
			return err
		})
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
		f.Before, more = next, next > 0
	}
	return list, nil
}

// auditPart looks at the next auditStep entries, and returns those that match. next is
// where the following part begins, 0 at the end.
func auditPart(tx *Tx, f audit.Filter) (list []protocol.AuditEntry, next int64, err error) {
	var looked int64
	err = tx.QueryRow(`SELECT coalesce(min(id), 0), count(*) FROM
		(SELECT id FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?)`, f.Before, auditStep).Scan(&next, &looked)
	if err != nil {
		return nil, 0, err
	}
	// instr compares as LIKE does, but no pattern makes it slow.
	list, err = all(tx.Query(`SELECT id, at, user_id, role, via, address, action, target, detail,
		coalesce(reason, ''), reason IS NOT NULL
		FROM audit LEFT JOIN audit_failures ON entry_id = id
		WHERE id < ?1 AND id >= ?2 AND (?3 = '' OR user_id = ?3) AND (?4 = '' OR action = ?4)
		AND (?5 = '' OR target = ?5) AND (?6 = 0 OR at >= ?6) AND (?7 = 0 OR at < ?7)
		AND (?8 = '' OR instr(lower(user_id), lower(?8)) OR instr(lower(action), lower(?8))
			OR instr(lower(target), lower(?8)) OR instr(lower(address), lower(?8))
			OR instr(lower(detail), lower(?8)) OR instr(lower(reason), lower(?8)))
		ORDER BY id DESC LIMIT ?9`,
		f.Before, next, f.UserID, f.Action, f.Target, int64(f.Since), int64(f.Until), f.Query,
		f.Limit), scanAudit)
	if looked < auditStep {
		next = 0
	}
	return list, next, err
}

func scanAudit(row Row) (e protocol.AuditEntry, err error) {
	var reason string
	var failed bool
	err = row.Scan(&e.ID, &e.At, &e.UserID, &e.Role, &e.Via, &e.Address, &e.Action, &e.Target,
		&e.Detail, &reason, &failed)
	e.Outcome = protocol.AuditDone
	if failed {
		e.Outcome = protocol.AuditFailed
		if e.Detail != "" {
			e.Detail += "; "
		}
		e.Detail += reason
	}
	return e, err
}

func (a auditLog) Oldest(ctx context.Context) (at protocol.Time, err error) {
	err = a.s.View(ctx, func(tx *Tx) error {
		return tx.QueryRow(`SELECT coalesce((SELECT at FROM audit ORDER BY id LIMIT 1), 0)`).Scan(&at)
	})
	return at, err
}

// Prune removes entries with the lowest ids, so that the remaining ids have no gaps.
func (a auditLog) Prune(ctx context.Context, before protocol.Time,
	limit int) (removed int, err error) {
	err = a.s.Update(ctx, func(tx *Tx) error {
		removed = 0
		var last int64 // the highest id to remove
		if err := tx.QueryRow(`SELECT coalesce(max(id), 0) FROM
			(SELECT id, max(at) OVER (ORDER BY id) AS latest FROM (SELECT id, at FROM audit ORDER BY id LIMIT ?2))
			WHERE latest < ?1`, int64(before), limit).Scan(&last); err != nil || last == 0 {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO audit_retention (before) VALUES (?)`,
			int64(before)); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM audit_failures WHERE entry_id <= ?`, last); err != nil {
			return err
		}
		n, err := tx.Exec(`DELETE FROM audit WHERE id <= ?`, last)
		if err != nil {
			return err
		}
		removed = int(n)
		_, err = tx.Exec(`DELETE FROM audit_retention`)
		return err
	})
	return removed, err
}
