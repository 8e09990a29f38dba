using Tessera.Framework.Errors;
using Tessera.Tools.Output;

namespace Tessera.Tests.Tools.Advice;

/// <summary>What libraries advise in the words of configs is told with the options of the tools.</summary>
public sealed class ToolAdviceTests
{
    [Theory]
    [InlineData(
        "\"part\": \"ema\" takes the others",
        "\"part\": \"ema\"",
        "part",
        "ema",
        "\"part\": \"ema\" (tools/test: --part ema) takes the others"
    )]
    [InlineData(
        "For the others: init.weights \"trained\".",
        "init.weights \"trained\"",
        "weights",
        "trained",
        "For the others: init.weights \"trained\" (tools/test: --weights trained)."
    )]
    public void Message_NamesOptionAndValue(string text, string phrase, string key, string value, string told) =>
        Assert.Equal(told, ToolAdvice.OfMessage(text, [1, null, new AdvisedText(text, new Framework.Errors.Advice(phrase, key, value))]));

    [Fact]
    public void Mistake_NamesTheOption() =>
        Assert.Equal(
            "The size must be named (tools/export: --size HxW; with --with-preprocessing also --dynamic size).",
            ToolAdvice.MessageOf(
                new UserErrorException("The size must be named.", new Framework.Errors.Advice("size must be named", "size"))
            )
        );

    [Fact]
    public void Message_WithoutAdvice_Stays() => Assert.Equal("a: b", ToolAdvice.OfMessage("a: b", ["a", "b"]));
}
