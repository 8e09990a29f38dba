namespace Tessera.Tests;

/// <summary>A test of what Linux alone has: /proc, /dev/full. Elsewhere it is left out, and said to be.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute() => Skip = Systems.NoLinux;
}

/// <summary>As <see cref="LinuxFactAttribute"/>, with cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LinuxTheoryAttribute : TheoryAttribute
{
    public LinuxTheoryAttribute() => Skip = Systems.NoLinux;
}

/// <summary>A test of signals, or of files that are deleted while they are open. On Windows it is left out, and said to be.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute() => Skip = OperatingSystem.IsWindows() ? "Windows has not what this tests." : null;
}

internal static class Systems
{
    public static string? NoLinux => OperatingSystem.IsLinux() ? null : "Linux alone has what this tests.";
}
