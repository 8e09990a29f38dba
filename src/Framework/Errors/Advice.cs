namespace Tessera.Framework.Errors;

/// <summary>What would help against a mistake, in the words of configs and of the C# API. A command line says it in its own.</summary>
/// <param name="Text">A phrase of the error's message, on one line.</param>
/// <param name="Settings">What is to be set: keys of configs, or options of the API in the spelling of configs, such as "part".</param>
public sealed record Advice(string Text, params IReadOnlyList<string> Settings);
