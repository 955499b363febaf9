import Wire

extension RouteTableBuilder {
    // MARK: - Destinations

    /// Adds a route's destinations with the header operations as they are to be applied there, as Envoy merges them:
    /// with one destination its lists follow the route's and are evaluated as one unit; with several the destination's
    /// unit comes first and the route's after it.
    mutating func addDestinations(of action: ForwardAction, in specification: RouteSpec, to record: inout RouteRecord) {
        let routeAuthority = action.rewrite.authority ?? action.requestHeaders.authority
        let isSingle = action.destinations.count == 1
        let drawn = isSingle ? action.destinations : action.destinations.filter { $0.weight > 0 }
        let first = Int32(destinations.count)
        var routeRequest: Run?
        var routeResponse: Run?
        for destination in drawn {
            var request: [HeaderOperations]
            var response: [HeaderOperations]
            if isSingle {
                request = [action.requestHeaders.followed(by: destination.requestHeaders)]
                response = [specification.responseHeaders.followed(by: destination.responseHeaders)]
            } else {
                request = [destination.requestHeaders, action.requestHeaders]
                response = [destination.responseHeaders, specification.responseHeaders]
            }
            // Destinations without operations of their own share the route's.
            let isPlain = destination.requestHeaders.isEmpty && destination.responseHeaders.isEmpty
            let requestUnits =
                isPlain
                ? routeRequest ?? appendUnits(request, of: specification) : appendUnits(request, of: specification)
            let responseUnits =
                isPlain
                ? routeResponse ?? appendUnits(response, of: specification) : appendUnits(response, of: specification)
            if isPlain {
                routeRequest = requestUnits
                routeResponse = responseUnits
            }
            let authority = routeAuthority ?? destination.requestHeaders.authority
            let weight = UInt64(clamping: destination.weight)
            destinations.append(
                DestinationRecord(
                    cluster: cluster(destination.cluster), weight: weight, requestUnits: requestUnits,
                    responseUnits: responseUnits, authority: authority.map { intern($0) } ?? .empty))
            record.totalWeight += weight
            if !requestUnits.isEmpty || !(authority ?? "").isEmpty { record.editsRequest = true }
            if !responseUnits.isEmpty { record.editsResponse = true }
        }
        record.destinations = Run(start: first, count: Int32(destinations.count) - first)
        // A route whose destinations all weigh nothing has none to draw; its answers are still the rule's.
        if drawn.isEmpty { record.responseUnits = appendUnits([specification.responseHeaders], of: specification) }
    }

    // MARK: - Operations

    /// Adds units of operations; those that do nothing are left out.
    mutating func appendUnits(_ lists: [HeaderOperations], of specification: RouteSpec) -> Run {
        var records: [HeaderUnitRecord] = []
        for list in lists {
            let run = appendOperations(list, routeName: specification.name)
            if !run.isEmpty { records.append(HeaderUnitRecord(operations: run)) }
        }
        let run = Run(start: Int32(units.count), count: Int32(records.count))
        units.append(contentsOf: records)
        return run
    }

    private mutating func appendOperations(_ list: HeaderOperations, routeName: String) -> Run {
        var records: [HeaderOperationRecord] = []
        for name in list.remove {
            appendOperation(.remove, name, value: nil, routeName: routeName, to: &records)
        }
        for entry in list.set {
            appendOperation(.set, entry.name, value: entry.value, routeName: routeName, to: &records)
        }
        for entry in list.add {
            appendOperation(.add, entry.name, value: entry.value, routeName: routeName, to: &records)
        }
        let run = Run(start: Int32(operations.count), count: Int32(records.count))
        operations.append(contentsOf: records)
        return run
    }

    /// Leaves out what `HeaderFormat` reports: names that belong to the proxy, values that do not compile or are empty.
    private mutating func appendOperation(
        _ kind: HeaderOperationRecord.Kind, _ name: String, value: String?, routeName: String,
        to records: inout [HeaderOperationRecord]
    ) {
        let name = name.lowercased()
        guard HeaderFormat.check(name: name) == nil else { return }
        var run = Run.empty
        if let value {
            guard !value.isEmpty, case .success(let pieces) = HeaderFormat.parse(value) else { return }
            run.start = Int32(tokens.count)
            for piece in pieces { tokens.append(token(piece, routeName: routeName)) }
            run.count = Int32(tokens.count) - run.start
        }
        records.append(
            HeaderOperationRecord(kind: kind, id: FieldText.identify(name), name: intern(name), tokens: run))
    }

    private mutating func token(_ piece: HeaderFormat.Piece, routeName: String) -> FormatToken {
        var token = FormatToken(
            kind: piece.kind, text: .empty, id: .other, alternative: .empty, alternativeID: .other,
            bytesMax: piece.bytesMax.map { Int32(clamping: $0) } ?? -1)
        if piece.kind == .routeName {
            token.kind = .literal
            token.text = intern(routeName)
        } else {
            token.text = intern(piece.argument)
            token.alternative = intern(piece.alternative)
            token.id = FieldText.identify(piece.argument)
            token.alternativeID = FieldText.identify(piece.alternative)
        }
        return token
    }
}

extension HeaderOperations {
    /// Both lists as one: removals, sets and adds of this one before those of the other.
    fileprivate func followed(by other: HeaderOperations) -> HeaderOperations {
        HeaderOperations(remove: remove + other.remove, set: set + other.set, add: add + other.add)
    }
}
