namespace Tessera.Tools.Output;

/// <summary>Names as people order them: numbers in them by their value, so that frame 9 comes before frame 10; all else sign by
/// sign.</summary>
internal sealed class NaturalOrder : IComparer<string>
{
    public static NaturalOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        var (a, b) = (x ?? "", y ?? "");
        var (i, j) = (0, 0);
        while (i < a.Length && j < b.Length)
        {
            int order;
            if (char.IsAsciiDigit(a[i]) && char.IsAsciiDigit(b[j]))
                order = CompareNumbers(Number(a, ref i), Number(b, ref j));
            else
                order = a[i++].CompareTo(b[j++]);
            if (order != 0)
                return order;
        }
        var left = (a.Length - i).CompareTo(b.Length - j);
        return left != 0 ? left : string.CompareOrdinal(a, b); // 007 and 7
    }

    private static ReadOnlySpan<char> Number(string text, ref int at)
    {
        var begin = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        return text.AsSpan(begin, at - begin).TrimStart('0');
    }

    // Of any length: the longer one is larger.
    private static int CompareNumbers(ReadOnlySpan<char> a, ReadOnlySpan<char> b) =>
        a.Length != b.Length ? a.Length.CompareTo(b.Length) : a.SequenceCompareTo(b);
}
