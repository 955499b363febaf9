import Wire

extension Head {
    /// Adds an address behind those that x-forwarded-for has already, `old,address`. Several lines become one.
    func appendForwardedFor(_ address: UnsafeRawBufferPointer) {
        guard has(.xForwardedFor) else { return setField(.xForwardedFor, value: append(address)) }
        var length = address.count
        for index in 0..<fieldCount where fields[index].id == .xForwardedFor && !fields[index].isRemoved {
            length += fields[index].value.count + 1
        }
        // Reserved first: old values are copied from the storage that grows.
        reserve(length)
        let start = storageUsed
        for index in 0..<fieldCount where fields[index].id == .xForwardedFor && !fields[index].isRemoved {
            guard !fields[index].value.isEmpty else { continue }
            _ = append(bytes(fields[index].value))
            _ = append(",")
        }
        _ = append(address)
        setField(.xForwardedFor, value: Slice(offset: start, length: storageUsed - start))
    }
}
