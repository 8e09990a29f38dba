using TorchSharp;

namespace Tessera.Torch;

/// <summary>A value's type as the trace writes it: <c>Int</c>, <c>Tensor(float)</c>, <c>GenericList[Int,Tensor(long int)]</c>.</summary>
/// <param name="Detail">What stands in parentheses.</param>
/// <param name="Items">What stands in brackets.</param>
internal sealed record TraceType(string Kind, string Detail, IReadOnlyList<TraceType> Items)
{
    private const int Deepest = 16;

    /// <exception cref="FormatException">It isn't written so.</exception>
    public static TraceType Parse(string text)
    {
        var place = 0;
        var type = Parse(text, ref place, 0);
        return place == text.Length ? type : throw new FormatException($"the type {text} can't be read");
    }

    /// <summary>TorchSharp's word for libtorch's (on Linux and macOS, and Windows); null where it has none.</summary>
    public static torch.ScalarType? Scalar(string name) =>
        name switch
        {
            "float" => torch.ScalarType.Float32,
            "double" => torch.ScalarType.Float64,
            "c10::Half" => torch.ScalarType.Float16,
            "c10::BFloat16" => torch.ScalarType.BFloat16,
            "long int" or "long" or "long long" or "__int64" => torch.ScalarType.Int64,
            "int" => torch.ScalarType.Int32,
            "short int" or "short" => torch.ScalarType.Int16,
            "signed char" => torch.ScalarType.Int8,
            "unsigned char" => torch.ScalarType.Byte,
            "bool" => torch.ScalarType.Bool,
            "c10::complex<float>" => torch.ScalarType.ComplexFloat32,
            "c10::complex<double>" => torch.ScalarType.ComplexFloat64,
            _ => null,
        };

    /// <summary>"inf", "-inf" and "nan", with or without a sign.</summary>
    public static double NotFinite(string text) =>
        text switch
        {
            "inf" => double.PositiveInfinity,
            "-inf" => double.NegativeInfinity,
            "nan" or "-nan" => double.NaN,
            _ => throw new FormatException($"{text} is no number"),
        };

    private static TraceType Parse(string text, ref int place, int depth)
    {
        if (depth > Deepest)
            throw new FormatException("the type is nested too deeply");
        var begin = place;
        while (place < text.Length && text[place] is not ('(' or '[' or ']' or ','))
            place++;
        var (kind, detail) = (text[begin..place], "");
        if (place < text.Length && text[place] == '(')
        {
            begin = ++place;
            for (var open = 1; open > 0; place++)
            {
                if (place == text.Length)
                    throw new FormatException($"the type {text} can't be read");
                open += text[place] switch
                {
                    '(' => 1,
                    ')' => -1,
                    _ => 0,
                };
            }
            detail = text[begin..(place - 1)];
        }
        var items = new List<TraceType>();
        if (place < text.Length && text[place] == '[')
        {
            do
            {
                place++;
                if (place < text.Length && text[place] == ']' && items.Count == 0)
                    break;
                items.Add(Parse(text, ref place, depth + 1));
            } while (place < text.Length && text[place] == ',');
            if (place == text.Length || text[place] != ']')
                throw new FormatException($"the type {text} can't be read");
            place++;
        }
        return new TraceType(kind, detail, items);
    }
}
