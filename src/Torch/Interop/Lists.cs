namespace Tessera.Torch.Interop;

/// <summary>Number lists out of the forms in which callers give them.</summary>
internal static class Lists
{
    internal static long[] Of(int value) => [value];
    internal static long[] Of(long value) => [value];
    internal static long[]? Of(long? value) => value is { } only ? [only] : null;
    internal static long[]? Of(int? value) => value is { } only ? [only] : null;
    internal static long[] Of((long, long) values) => [values.Item1, values.Item2];
    internal static long[] Of((long, long, long) values) => [values.Item1, values.Item2, values.Item3];
    internal static long[] Of((long, long, long, long) values) => [values.Item1, values.Item2, values.Item3, values.Item4];
    internal static long[]? Of((long, long)? values) => values is { } v ? [v.Item1, v.Item2] : null;
    internal static long[]? Of((long, long, long)? values) => values is { } v ? [v.Item1, v.Item2, v.Item3] : null;
}
