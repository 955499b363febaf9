import COpenSSL
import Wire

/// The sessions that one worker, as a client, may resume. Owned by the worker and used on its thread only.
package final class TLSSessionCache {
    private struct Key: Hashable {
        let context: UInt64
        let name: String
    }

    private struct Entry {
        var tickets: [Ticket] = []
        var use: UInt64
    }

    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0
    private let capacity: Int

    /// `capacity` is in servers: a context with a name.
    package init(capacity: Int = Limits.tlsCachedServersMax) { self.capacity = max(1, capacity) }

    /// Servers that sessions are kept for.
    package var count: Int { entries.count }

    /// The newest session that is still good. What TLS 1.3 gave leaves the cache: it is for one use.
    func take(context: UInt64, name: String, now: Int64) -> Ticket? {
        let key = Key(context: context, name: name)
        guard var entry = entries[key] else { return nil }
        entry.tickets.removeAll { !$0.isFresh(now) }
        let ticket = entry.tickets.last
        if ticket?.isSingleUse == true { entry.tickets.removeLast() }
        entries[key] = entry.tickets.isEmpty ? nil : entry
        return ticket
    }

    /// Keeps a session; when there are too many servers, the one that was fed longest ago goes.
    func put(_ ticket: Ticket, context: UInt64, name: String) {
        let key = Key(context: context, name: name)
        uses += 1
        var entry = entries[key] ?? Entry(use: uses)
        entry.use = uses
        entry.tickets.append(ticket)
        if entry.tickets.count > Limits.tlsCachedSessionsPerServerMax { entry.tickets.removeFirst() }
        if entries[key] == nil, entries.count >= capacity,
            let oldest = entries.min(by: { $0.value.use < $1.value.use })
        {
            entries[oldest.key] = nil
        }
        entries[key] = entry
    }

    /// Forgets a server whose handshake failed.
    func forget(context: UInt64, name: String) { entries[Key(context: context, name: name)] = nil }

    /// A session. It owns one reference to OpenSSL's object.
    final class Ticket {
        let pointer: OpaquePointer

        init(owning pointer: OpaquePointer) { self.pointer = pointer }

        deinit { outrider_tls_ticket_free(pointer) }

        var isSingleUse: Bool { outrider_tls_ticket_is_single_use(pointer) }
        func isFresh(_ now: Int64) -> Bool { outrider_tls_ticket_is_fresh(pointer, now) }
    }
}
