namespace Tessera.Onnx.Recording;

/// <summary>An operator's declaration, as libtorch writes it:
/// <c>aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -&gt; Tensor(a!)</c>.</summary>
internal static class OperatorSchema
{
    /// <summary>The arguments' names, in order, and whether the operator writes to them.</summary>
    public static IReadOnlyList<(string Name, bool Written)> Arguments(string schema)
    {
        var begin = schema.IndexOf('(', StringComparison.Ordinal) + 1;
        var arguments = new List<(string, bool)>();
        if (begin == 0)
            return arguments;
        var (depth, start) = (0, begin);
        for (var i = begin; i < schema.Length; i++)
        {
            if (schema[i] is '(' or '[')
                depth++;
            else if (schema[i] is ']' || (schema[i] == ')' && depth > 0))
                depth--;
            else if (schema[i] is ',' or ')' && depth == 0)
            {
                Add(schema[start..i].Trim());
                start = i + 1;
                if (schema[i] == ')')
                    break;
            }
        }
        return arguments;

        void Add(string text)
        {
            if (text.Length == 0 || text == "*")
                return;
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            var declared = equals < 0 ? text : text[..equals];
            arguments.Add((declared[(declared.LastIndexOf(' ') + 1)..], declared.Contains('!', StringComparison.Ordinal)));
        }
    }
}
