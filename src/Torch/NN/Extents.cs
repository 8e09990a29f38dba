using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace TorchSharp;

/// <summary>Window sizes and paddings given as one number or as a tuple, as the array that the operators take.</summary>
internal static class Extents
{
    public static long[] Repeat(long value, int dimensions)
    {
        var result = new long[dimensions];
        Array.Fill(result, value);
        return result;
    }

    [return: NotNullIfNotNull(nameof(value))]
    public static long[]? Repeat(long? value, int dimensions) => value is { } given ? Repeat(given, dimensions) : null;

    [return: NotNullIfNotNull(nameof(tuple))]
    public static long[]? Of(ITuple? tuple)
    {
        if (tuple is null)
            return null;
        var result = new long[tuple.Length];
        for (var i = 0; i < result.Length; i++)
            result[i] = (long)tuple[i]!;
        return result;
    }
}
