using System.Text.RegularExpressions;
using Tessera.Tools;

namespace Tessera.Tests.Tools.Output;

/// <summary>What each tool says of itself.</summary>
[Collection(InProcess.Name)]
public sealed class HelpTests
{
    public static TheoryData<string> Tools => [.. Program.CreateRoot().Subcommands.Select(tool => tool.Name)];

    [Theory]
    [MemberData(nameof(Tools))]
    public void Help_IsAsWritten(string tool) => WholeOutput.Match($"help of {tool}", Tool.Run(tool, "--help"), text => text);

    [Theory]
    [MemberData(nameof(Tools))]
    public void Help_TellsDefaultsInAUsersWords(string tool)
    {
        var command = Program.CreateRoot().Subcommands.Single(command => command.Name == tool);
        Assert.DoesNotContain("[default", Tool.Run(tool, "--help").Output, StringComparison.Ordinal);
        foreach (var option in command.Options.Where(option => option.HasDefaultValue && option.ValueType.IsValueType))
            if (option.ValueType != typeof(bool))
                Assert.Contains("Default: ", option.Description, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a component", "ResNet")]
    [InlineData("a misspelt component", "Resnte")]
    public void Component_IsAsWritten(string name, string component) =>
        WholeOutput.Match(
            name,
            Tool.Run("list-components", component),
            text => Regex.Replace(text, "^In configs: .*$", "In configs: A, B.", RegexOptions.Multiline) // every new config may change it
        );

    [Fact]
    public void Overview_IsAsWritten() => WholeOutput.Match("all tools", Tool.Run("--help"), text => text);
}
