using System.CommandLine;
using Tessera.Framework.Errors;
using Tessera.Tools;
using Tessera.Tools.Output;

namespace Tessera.Tests.Tools;

/// <summary>What a newcomer sees who types less, more or something else than a tool takes.</summary>
[Collection(InProcess.Name)]
public sealed class UsageTests
{
    [Theory]
    [InlineData]
    [InlineData("--help")]
    public void Nothing_ListsTheTools(params string[] arguments)
    {
        var said = Tool.Run(arguments).Succeeds();
        foreach (var tool in new[] { "train", "test", "predict", "doctor", "print-config", "list-components", "publish", "schema" })
            Assert.Contains($"  tools/{tool} ", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryTool_HasALauncherAndAHelp()
    {
        foreach (var tool in Program.CreateRoot().Subcommands)
        {
            Assert.True(File.Exists(Path.Combine(Snippets.Repository, "tools", tool.Name)), tool.Name);
            var said = Tool.Run(tool.Name, "--help").Succeeds();
            Assert.Contains($"  tools/{tool.Name} ", said.Output, StringComparison.Ordinal);
            Assert.All(tool.Options, option => Assert.False(string.IsNullOrWhiteSpace(option.Description), $"{tool.Name} {option.Name}"));
            Assert.All(tool.Arguments, argument => Assert.Contains(argument.Description!, said.Output, StringComparison.Ordinal));
        }
    }

    /// <summary>Of two options of one name the second could never be set.</summary>
    [Fact]
    public void EveryTool_HasEachOptionOnce() =>
        Assert.All(
            Program.CreateRoot().Subcommands,
            tool =>
                Assert.Equal(
                    [],
                    tool.Options.SelectMany(option => option.Aliases.Append(option.Name))
                        .GroupBy(name => name, StringComparer.Ordinal)
                        .Where(group => group.Count() > 1)
                        .Select(group => $"{tool.Name} {group.Key}")
                )
        );

    [Fact]
    public void Train_Help_NamesItsOptions()
    {
        var said = Tool.Run("train", "--help").Succeeds();
        foreach (var option in new[] { "--work-dir", "--resume", "--device", "--seed", "--cfg-options" })
            Assert.Contains(option, said.Output, StringComparison.Ordinal);
        Assert.Contains("tools/train <CONFIG> [options]", said.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("No tool is named \"trian\". Did you mean \"train\"?", "trian", "config.json")]
    [InlineData("tools/train\n  CONFIG is missing", "train")]
    [InlineData("There is no option --work_dir. Did you mean \"--work-dir\"?", "train", "c.json", "--work_dir", "x")]
    [InlineData("There is no option --out. Did you mean \"--out-dir\"?", "predict", "c.safetensors", "a.png", "--out", "x")]
    [InlineData("\"x.json\" is one argument too many.", "print-config", "c.json", "x.json")]
    [InlineData("--seed doesn't take \"one\", which is no whole number", "train", "c.json", "--seed", "one")]
    [InlineData("--precision doesn't take \"fp8\": fp32, bf16, fp16 or auto", "test", "c.json", "x", "--precision", "fp8")]
    [InlineData(
        "There is no option --show: pictures of the predictions are written by --show-dir DIR of tools/test; --out-dir DIR of tools/predict",
        "test",
        "c.json",
        "x",
        "--show"
    )]
    [InlineData("There is no option --eval: what is measured stands in the config", "test", "c.json", "x", "--eval", "mIoU")]
    [InlineData("--work-dir lacks its value", "train", "c.json", "--work-dir")]
    public void Wrong_IsOneMessage(string expected, params string[] arguments) => Tool.Run(arguments).IsMistake(expected);

    [Fact]
    public void Defect_Apologises_AndWritesItsTraceToAFile()
    {
        var (code, error) = Fail(() => throw new InvalidOperationException("the gears slipped\nException raised from gear.cpp"));
        Assert.Equal(3, code);
        Assert.StartsWith(
            "InvalidOperationException: the gears slipped\n  This is a defect of Tessera, not a mistake of yours; sorry.",
            error,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("gear.cpp", error, StringComparison.Ordinal);
        var path = System.Text.RegularExpressions.Regex.Match(error, @"The full trace is in (\S+);").Groups[1].Value;
        try
        {
            Assert.Contains("   at ", File.ReadAllText(path), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void WrappedMistake_IsStillAMistake()
    {
        var (code, error) = Fail(() =>
            throw new AggregateException(new System.Reflection.TargetInvocationException(new UserErrorException("c.json:1  model")))
        );
        Assert.Equal((1, "c.json:1  model"), (code, error.Trim()));
    }

    [Fact]
    public void DiskFull_IsToldAsSuch()
    {
        var (code, error) = Fail(() =>
        {
            using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0);
            full.WriteByte(1);
        });
        Assert.Equal(1, code);
        Assert.StartsWith("The disk is full", error, StringComparison.Ordinal);
    }

    private static (int Code, string Error) Fail(Action action)
    {
        var command = new Command("break", "Breaks.");
        command.SetAction(_ => action());
        var error = Console.Error;
        using var said = new StringWriter();
        Console.SetError(said);
        try
        {
            return (CommandLine.Invoke(new Command("tools", "Tools.") { command }, ["break"]), said.ToString());
        }
        finally
        {
            Console.SetError(error);
        }
    }
}
