using System.CommandLine;
using Spectre.Console.Testing;
using Tessera.Tools;
using Tessera.Tools.Output;

namespace Tessera.Tests.Tools.Output;

/// <summary>A terminal is asked for the paths that were forgotten; a script is not.</summary>
public sealed class QuestionsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-[questions]-").FullName;
    private readonly TestConsole _terminal = new TestConsole().Interactive().SupportsAnsi(true).Width(400);

    public void Dispose()
    {
        _terminal.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string At(string name) => Path.Combine(_folder, name);

    private IReadOnlyList<string> Complete(bool hasKeyboard, params string[] args) =>
        Questions.Complete(args, Program.CreateRoot().Parse(args), new ToolConsole(_terminal, _terminal, hasKeyboard));

    [Fact]
    public void Missing_AreAskedFor_UntilTheyExist()
    {
        File.WriteAllText(At("c.json"), "{}");
        File.WriteAllText(At("w.safetensors"), "");
        _terminal.Input.PushTextWithEnter(At("no.json"));
        _terminal.Input.PushTextWithEnter($"  {At("c.json")} ");
        _terminal.Input.PushTextWithEnter($"'{At("w.safetensors")}'");
        string[] given = ["test", "--cfg-options", "seed=1"];
        var completed = Complete(hasKeyboard: true, given);
        Assert.Equal([.. given, "--", At("c.json"), At("w.safetensors")], completed);
        Assert.Contains("CONFIG The config file.", _terminal.Output, StringComparison.Ordinal);
        Assert.Contains($"There is no such file or folder: {At("no.json")}", _terminal.Output, StringComparison.Ordinal);

        var parsed = Program.CreateRoot().Parse(completed);
        Assert.Empty(parsed.Errors);
        Assert.Equal(At("c.json"), parsed.GetValue<string>("CONFIG"));
        Assert.Equal(["seed=1"], parsed.GetValue<string[]>("--cfg-options")!);
    }

    [Fact]
    public void WhatIsWritten_NeedNotExist()
    {
        File.WriteAllText(At("w.safetensors"), "");
        _terminal.Input.PushTextWithEnter("~/out");
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        Assert.Equal($"{home}/out", Complete(hasKeyboard: true, "publish", At("w.safetensors"))[^1]);
    }

    [Fact]
    public void APipe_IsNotAsked()
    {
        Assert.Equal(["train"], Complete(hasKeyboard: false, "train"));
        using var pipe = new TestConsole();
        string[] args = ["train"];
        Assert.Equal(args, Questions.Complete(args, Program.CreateRoot().Parse(args), new ToolConsole(pipe, pipe, hasKeyboard: true)));
        Assert.Equal("", _terminal.Output + pipe.Output);
    }

    [Fact]
    public void ACommandLineWithAnotherFault_IsNotAskedFor() =>
        Assert.Equal(["train", "--seed", "one"], Complete(hasKeyboard: true, "train", "--seed", "one"));
}
