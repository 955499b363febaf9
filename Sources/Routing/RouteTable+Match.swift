import Regex
import Wire

/// A request as rules see it: the head, and where its path and query stand.
struct MatchInput {
    let head: Head
    /// The path without query and fragment.
    let path: Slice
    /// What stands behind the first `?`; empty without one.
    let query: Slice

    @inline(__always)
    init(_ head: Head) {
        self.head = head
        let whole = head.path
        let bytes = head.bytes(whole)
        let end = firstIndex(of: UInt8(ascii: "?"), or: UInt8(ascii: "#"), in: bytes)
        path = Slice(offset: whole.start, length: end)
        if end < bytes.count, bytes[end] == UInt8(ascii: "?") {
            let last = firstIndex(of: UInt8(ascii: "#"), or: UInt8(ascii: "#"), in: bytes, from: end + 1)
            query = Slice(offset: whole.start + end + 1, length: last - end - 1)
        } else {
            query = .empty
        }
    }
}

/// Why a rule did not match; for `decide` only whether it did.
enum Miss: Equatable {
    case path
    /// The condition's position within its route.
    case condition(Int32)
}

extension RouteTable {
    /// The match of one rule, the same for `decide` and `explain`: nil when everything holds, else the first thing that
    /// does not.
    func miss(_ route: Int32, _ input: borrowing MatchInput) -> Miss? {
        let match = matches.at(route)
        guard matchesPath(match, input) else { return .path }
        let run = match.pointee.conditions
        var offset: Int32 = 0
        while offset < run.count {
            guard holds(conditions.at(run.start + offset), input) else { return .condition(offset) }
            offset += 1
        }
        return nil
    }

    @inline(__always)
    private func matchesPath(_ match: UnsafePointer<MatchRecord>, _ input: borrowing MatchInput) -> Bool {
        switch match.pointee.pathKind {
        case .any: return true
        case .never: return false
        case .regex: return match.pointee.pattern?.matchesWhole(input.head.bytes(input.path)) ?? false
        case .exact, .prefix:
            let expected = match.pointee.path
            let path = input.head.bytes(input.path)
            guard match.pointee.pathKind == .exact ? path.count == expected.count : path.count >= expected.count else {
                return false
            }
            return match.pointee.ignoresCase
                ? beginsIgnoringCase(path, text(expected)) : begins(path, text(expected))
        }
    }

    // MARK: - Conditions

    private func holds(_ condition: UnsafePointer<ConditionRecord>, _ input: borrowing MatchInput) -> Bool {
        let head = input.head
        switch condition.pointee.subject {
        case .method: return holds(condition, head.bytes(head.methodSlice))
        case .authority: return holds(condition, head.bytes(head.authority))
        case .path: return holds(condition, head.bytes(head.path))
        case .scheme:
            let scheme: StaticString = head.schemeIsHTTPS ? "https" : "http"
            return holds(condition, UnsafeRawBufferPointer(start: scheme.utf8Start, count: scheme.utf8CodeUnitCount))
        case .query:
            return holds(condition, queryParameter(text(condition.pointee.name), in: input.query, of: head))
        case .header: return headerHolds(condition, head)
        }
    }

    /// A condition on a header: repeated lines count as one, joined by `,` (cookies by `; `).
    private func headerHolds(_ condition: UnsafePointer<ConditionRecord>, _ head: Head) -> Bool {
        let id = condition.pointee.id
        let spelling = name(condition.pointee.name)
        guard let first = head.position(id, spelling) else { return holds(condition, nil) }
        guard condition.pointee.kind != .present else { return !condition.pointee.isInverted }
        guard var next = head.position(id, spelling, from: first + 1) else {
            return holds(condition, head.bytes(head.fields[first].value))
        }
        var count = head.fields[first].value.count
        var repeated: Int? = next
        while let index = repeated {
            count += 2 + head.fields[index].value.count
            repeated = head.position(id, spelling, from: index + 1)
        }
        return withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { joined in
            var used = 0
            func append(_ bytes: UnsafeRawBufferPointer) {
                UnsafeMutableRawBufferPointer(rebasing: joined[used...]).copyMemory(from: bytes)
                used += bytes.count
            }
            append(head.bytes(head.fields[first].value))
            while true {
                joined[used] = id == .cookie ? UInt8(ascii: ";") : UInt8(ascii: ",")
                used += 1
                if id == .cookie {
                    joined[used] = UInt8(ascii: " ")
                    used += 1
                }
                append(head.bytes(head.fields[next].value))
                guard let later = head.position(id, spelling, from: next + 1) else { break }
                next = later
            }
            return holds(condition, UnsafeRawBufferPointer(rebasing: joined[..<used]))
        }
    }

    /// A condition on a value, nil where it is missing. Missing, no value matches; inverted, it counts as empty.
    @inline(__always)
    private func holds(_ condition: UnsafePointer<ConditionRecord>, _ value: UnsafeRawBufferPointer?) -> Bool {
        let isInverted = condition.pointee.isInverted
        guard let value else {
            guard isInverted else { return false }
            if condition.pointee.kind == .present { return true }
            return !matches(condition, UnsafeRawBufferPointer(start: nil, count: 0))
        }
        return matches(condition, value) != isInverted
    }

    private func matches(_ condition: UnsafePointer<ConditionRecord>, _ value: UnsafeRawBufferPointer) -> Bool {
        let expected = condition.pointee.value
        switch condition.pointee.kind {
        case .present: return true
        case .exact: return value.count == expected.count && begins(value, text(expected))
        case .prefix: return value.count >= expected.count && begins(value, text(expected))
        case .regex: return condition.pointee.pattern?.matchesWhole(value) ?? false
        case .never: return false
        }
    }

    // MARK: - Parts

    /// The value of a query parameter's first occurrence, undecoded; empty for `?k` and `?k=`.
    func queryParameter(_ name: UnsafeRawBufferPointer, in query: Slice, of head: Head) -> UnsafeRawBufferPointer? {
        let bytes = head.bytes(query)
        guard !bytes.isEmpty else { return nil }
        var start = 0
        while start <= bytes.count {
            var end = start
            var equals = -1
            while end < bytes.count, bytes[end] != UInt8(ascii: "&") {
                if equals < 0, bytes[end] == UInt8(ascii: "=") { equals = end }
                end += 1
            }
            let nameEnd = equals < 0 ? end : equals
            if nameEnd - start == name.count, begins(UnsafeRawBufferPointer(rebasing: bytes[start..<nameEnd]), name) {
                return UnsafeRawBufferPointer(rebasing: bytes[(equals < 0 ? end : equals + 1)..<end])
            }
            start = end + 1
        }
        return nil
    }
}
