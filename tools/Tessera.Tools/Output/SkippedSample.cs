namespace Tessera.Tools.Output;

/// <summary>How a sample that can't be read is told of.</summary>
internal static class SkippedSample
{
    public static string Line(string name, string reason) => $"left out: {Reason(name, reason)}";

    /// <summary>With the sample's name, once.</summary>
    public static string Reason(string name, string reason) =>
        reason.Contains(name, StringComparison.Ordinal) ? reason : $"{name}: {reason}";

    /// <summary>Whether what went wrong is the sample's file: others can be read.</summary>
    public static bool IsReason(Exception fault) =>
        fault is Framework.Errors.UserErrorException or IOException or InvalidDataException or UnauthorizedAccessException;
}
