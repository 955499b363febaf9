import Regex
import Wire

extension RouteTable {
    // MARK: - Requests

    /// Edits a request's head for the route and destination of a decision, once, before the first attempt: header
    /// operations, then the authority, then the path, as Envoy does. What a rewrite
    /// replaces is kept in `x-envoy-original-host` and `x-envoy-original-path`. Does nothing for a decision without a
    /// forwarding route.
    package func applyRequest(_ decision: Decision, to head: Head, context: borrowing FormatContext) {
        guard decision.route >= 0 else { return }
        let route = routes.at(decision.route)
        guard route.pointee.editsRequest else { return }
        if decision.destination >= 0 {
            let destination = destinations.at(decision.destination)
            if !destination.pointee.requestUnits.isEmpty {
                apply(
                    destination.pointee.requestUnits, to: head,
                    from: FormatSource(request: head, response: nil, context: copy context))
            }
            if !destination.pointee.authority.isEmpty { rewriteAuthority(destination.pointee.authority, of: head) }
        }
        if route.pointee.rewrite >= 0 { rewritePath(route.pointee.rewrite, decision.route, of: head) }
    }

    private func rewriteAuthority(_ authority: Slice, of head: Head) {
        head.set(.xEnvoy, FieldText.originalHost, value: head.authority)
        head.authority = head.append(text(authority))
        // Serialisers write the Host from the authority; the field says the same, for whoever reads fields.
        if head.has(.host) { head.setField(.host, value: head.authority) }
    }

    private func rewritePath(_ index: Int32, _ route: Int32, of head: Head) {
        let rewrite = rewrites[index]
        let input = MatchInput(head)
        let original = head.path
        let rest = Slice(offset: input.path.end, length: original.end - input.path.end)
        let path: Slice
        switch rewrite.kind {
        case .none: return
        case .path:
            let start = head.storageUsed
            _ = head.append(text(rewrite.replacement))
            let replaced = matchedBytes(route, of: input)
            head.appendCopy(of: Slice(offset: input.path.start + replaced, length: input.path.count - replaced))
            head.appendCopy(of: rest)
            path = Slice(offset: start, length: head.storageUsed - start)
        case .regex:
            guard let pattern = rewrite.pattern else { return }
            let result = pattern.replaceAll(in: head.bytes(input.path), with: text(rewrite.replacement)) {
                head.append($0)
            }
            guard !result.isEmpty else { return }
            head.appendCopy(of: rest)
            path = Slice(offset: result.start, length: head.storageUsed - result.start)
        }
        head.set(.xEnvoy, FieldText.originalPath, value: original)
        head.path = path
    }

    /// How many bytes of the path its match covers, for rewrites: a prefix's own length; all of it for exact and regex;
    /// the leading slash where any path matches.
    func matchedBytes(_ route: Int32, of input: borrowing MatchInput) -> Int {
        let match = matches.at(route)
        switch match.pointee.pathKind {
        case .prefix: return min(match.pointee.path.count, input.path.count)
        case .exact, .regex: return input.path.count
        case .any, .never: return min(1, input.path.count)
        }
    }

    // MARK: - Responses

    /// Edits an answer's head by the response operations of a decision's route and destination: answers from upstream
    /// and local replies of a matched route alike, but never a 404 NR (which has no route).
    package func applyResponse(
        _ decision: Decision, to head: Head, request: Head, context: borrowing FormatContext
    ) {
        guard decision.route >= 0 else { return }
        let route = routes.at(decision.route)
        guard route.pointee.editsResponse else { return }
        let run =
            decision.destination >= 0
            ? destinations.at(decision.destination).pointee.responseUnits : route.pointee.responseUnits
        guard !run.isEmpty else { return }
        apply(run, to: head, from: FormatSource(request: request, response: head, context: copy context))
    }

    // MARK: - Units

    private func apply(_ run: Run, to head: Head, from source: borrowing FormatSource) {
        for index in run.indices { apply(units[index], to: head, from: source) }
    }

    /// One unit: removals; then every value, seen from the same moment; then sets and adds. An empty value changes
    /// nothing.
    private func apply(_ unit: HeaderUnitRecord, to head: Head, from source: borrowing FormatSource) {
        let run = unit.operations
        var first = run.start
        let end = run.start + run.count
        while first < end, operations.at(first).pointee.kind == .remove {
            let operation = operations.at(first)
            head.remove(operation.pointee.id, name(operation.pointee.name))
            first += 1
        }
        guard first < end else { return }
        withUnsafeTemporaryAllocation(of: Slice.self, capacity: Int(end - first)) { values in
            for index in first..<end {
                let value = evaluate(operations.at(index).pointee.tokens, from: source, into: head)
                values.initializeElement(at: Int(index - first), to: value)
            }
            for index in first..<end where !values[Int(index - first)].isEmpty {
                let operation = operations.at(index)
                let spelling = name(operation.pointee.name)
                if operation.pointee.kind == .set {
                    head.set(operation.pointee.id, spelling, value: values[Int(index - first)])
                } else {
                    head.add(operation.pointee.id, spelling, value: values[Int(index - first)])
                }
            }
        }
    }
}
