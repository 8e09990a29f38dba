using Tessera.Framework.Configuration;
using Tessera.Tools;
using Tessera.Tools.Output;

namespace Tessera.Tests.Tools;

/// <summary>Classes that run tools in the tests' own process, one after another: the console is the process's.</summary>
[CollectionDefinition(Name)]
public sealed class InProcess
{
    public const string Name = "tools in process";
}

/// <summary>What a tool said, and how it ended.</summary>
internal sealed record Said(int Code, string Output, string Error)
{
    public string All => Output + Error;

    public Said Succeeds()
    {
        Assert.True(Code == 0, All);
        return this;
    }

    /// <summary>A user's mistake, and nothing of a program's inside.</summary>
    public Said IsMistake(params string[] parts)
    {
        Assert.True(Code == CommandLine.Mistake, $"exit code {Code}\n{All}");
        Assert.All(parts, part => Assert.Contains(part, Error, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", All, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", All, StringComparison.Ordinal);
        return this;
    }
}

/// <summary>Runs a tool in this process: quicker than a process of its own.</summary>
internal static class Tool
{
    private static readonly Lock s_console = new();

    public static Said Run(params string[] arguments) => Capture(() => CommandLine.Invoke(Program.CreateRoot(), arguments));

    /// <summary>What a program says that runs in this process.</summary>
    public static Said Capture(Func<int> run)
    {
        lock (s_console)
        {
            var (output, error) = (Console.Out, Console.Error);
            using var said = new StringWriter();
            using var complained = new StringWriter();
            Console.SetOut(TextWriter.Synchronized(said));
            Console.SetError(TextWriter.Synchronized(complained));
            try
            {
                return new Said(run(), said.ToString(), complained.ToString());
            }
            finally
            {
                Console.SetOut(output);
                Console.SetError(error);
            }
        }
    }
}
