// Package audit keeps the audit log: what was done to the gateway and, by admins, to
// other users' sessions.
//
// Its nouns:
//
//   - An entry of the log says who did what to what, when and from where, and whether it
//     failed.
//   - An [Actor] is who did it: a user with a role, through a credential, from an
//     address.
//   - An [Act] is what was done: an action, its target and details.
//   - A target is named by its kind and its id, such as "session:k" ([Session], [Device],
//     [Key], …). These names are stored, so they must not change.
//   - A read is an act that changes nothing, such as reading another user's session.
//
// An entry is written before its act, and if the entry cannot be written, the act is not
// done. So the log may have an act that was not completed, but never lacks one that was.
// Entries are only added: that an act failed is added to its entry, too. Entries are
// removed only when they are older than the configured retention.
package audit
