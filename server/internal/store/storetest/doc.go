// Package storetest has the contract tests of all stores, whatever the database engine.
// [Pairing], [Keys], [Audit], [Media] and [Sessions] each test the store of one domain
// package. The other functions help tests of crashes and failing disks.
package storetest
