namespace Tessera.Framework.Components;

/// <summary>A word that stands for a value often used (<c>"loop": "epochs"</c>), or the value itself
/// (<c>"loop": { "type": … }</c>).</summary>
/// <typeparam name="TWord">The words; its first one is the default.</typeparam>
/// <typeparam name="TValue">A component's spec, or an options record.</typeparam>
public readonly record struct WordOr<TWord, TValue>
    where TWord : struct, Enum
    where TValue : class
{
    private readonly TWord _word;

    public WordOr(TWord word) => _word = word;

    public WordOr(TValue value) => Value = value;

    /// <summary>The value; null where a word stands for it.</summary>
    public TValue? Value { get; }

    /// <summary>The word; null where the value itself is given.</summary>
    public TWord? Word => Value is null ? _word : null;

    public override string ToString() => Value?.ToString() ?? ConfigKey.NameOf(_word.ToString());
}
