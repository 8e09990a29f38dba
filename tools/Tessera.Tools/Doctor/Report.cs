using System.Diagnostics;
using System.Globalization;
using Spectre.Console;
using Tessera.Tools.Output;

namespace Tessera.Tools.Doctor;

/// <summary>What an examination finds, line by line as it is found.</summary>
internal sealed class Report
{
    public int Failures { get; private set; }

    public int Warnings { get; private set; }

    /// <summary>Runs a check and prints what it says.</summary>
    /// <returns>False where it failed, so that what builds on it is not tried.</returns>
    public bool Check(string name, Func<string> check)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            var said = check();
            ToolConsole.Current.Verdict(
                "ok",
                Color.Green,
                name,
                said
                    + (
                        watch.Elapsed.TotalSeconds >= 0.1
                            ? string.Create(CultureInfo.InvariantCulture, $"  ({watch.Elapsed.TotalSeconds:0.0} s)")
                            : ""
                    )
            );
            return true;
        }
        catch (Exception error)
        {
            Failures++;
            ToolConsole.Current.Verdict("FAIL", Color.Red, name, CommandLine.Describe(error, ["doctor"]).Message);
            return false;
        }
    }

    /// <summary>The same for what has nothing to say where all is well.</summary>
    public bool Try(string name, Action check)
    {
        try
        {
            check();
            return true;
        }
        catch (Exception error)
        {
            return Check(name, () => throw error);
        }
    }

    /// <summary>Something that is allowed, and probably not meant.</summary>
    public void Warn(string name, string message)
    {
        Warnings++;
        ToolConsole.Current.Verdict("warn", Color.Yellow, name, message);
    }

    public void Note(string name, string message) => ToolConsole.Current.Verdict("", Color.Default, name, message);
}
