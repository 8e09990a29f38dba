namespace Tessera.Framework.Errors;

/// <summary>Something to know, with what would change it. Given as a value of a log message, a program that words messages
/// (<see cref="Messages.Log.Wording"/>) finds the advice in it.</summary>
/// <param name="Text">What is said, the phrases of the advice included.</param>
/// <param name="Advice">Phrases of the text.</param>
public sealed record AdvisedText(string Text, params IReadOnlyList<Advice> Advice)
{
    public static implicit operator AdvisedText(string text) => new(text);

    public override string ToString() => Text;
}
