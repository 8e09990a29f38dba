namespace Tessera.Tools.Logs;

/// <summary>Which of an evaluation's values are parts of others.</summary>
internal static class DetailKeys
{
    /// <summary>Whether a value is of one class or target, or the end of an interval: "IoU/sky" beside "mIoU", "bbox/AP/low",
    /// "f1/class/cat".</summary>
    /// <param name="names">All values of the evaluation.</param>
    public static bool IsDetail(string key, IReadOnlySet<string> names)
    {
        var slash = key.LastIndexOf('/');
        if (slash < 0)
            return false;
        var (whole, last) = (key[..slash], key[(slash + 1)..]);
        if (last is "macro" or "micro" or "samples")
            return false;
        return key.Contains("/class/", StringComparison.Ordinal)
            || key.Contains("/target/", StringComparison.Ordinal)
            || names.Contains(whole)
            || names.Contains("m" + whole)
            || key.Split('/') is ["voc", "recall" or "AP", _, ..];
    }
}
