using System.Globalization;
using System.Text;
using Tensor = TorchSharp.torch.Tensor;
using ScalarType = TorchSharp.torch.ScalarType;

namespace TorchSharp;

/// <summary>Tensors as text: their type, shape and place, and the values row by row, long dimensions shortened.</summary>
internal static class TensorPrinting
{
    private const int MostPerDimension = 1000, Edge = 3;

    internal static string Metadata(Tensor tensor)
    {
        var shape = string.Join('x', tensor.shape);
        return $"[{shape}], type = {tensor.dtype}, device = {tensor.device}";
    }

    internal static string Values(Tensor tensor, string? format, string newLine, CultureInfo culture)
    {
        if (tensor.numel() == 0 || tensor.is_meta) return "[]";
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var host = tensor.detach().cpu();
        var shortened = host.numel() > MostPerDimension;
        var text = new StringBuilder();
        Append(text, host, format ?? "g5", newLine, culture, shortened, 0);
        return text.ToString();
    }

    private static void Append(StringBuilder text, Tensor tensor, string format, string newLine, CultureInfo culture, bool shortened, int depth)
    {
        if (tensor.dim() == 0)
        {
            text.Append(Number(tensor, format, culture));
            return;
        }
        text.Append('[');
        var size = tensor.size(0);
        for (long i = 0; i < size; i++)
        {
            if (i > 0) text.Append(tensor.dim() == 1 ? ", " : "," + newLine + new string(' ', depth + 1));
            if (shortened && size > 2 * Edge && i == Edge)
            {
                text.Append("...");
                i = size - Edge - 1;
                continue;
            }
            Append(text, tensor[i], format, newLine, culture, shortened, depth + 1);
        }
        text.Append(']');
    }

    private static string Number(Tensor element, string format, CultureInfo culture)
    {
        var scalar = element.ToScalar();
        if (element.dtype == ScalarType.Bool) return scalar.ToBoolean() ? "true" : "false";
        if (torch.is_complex(element.dtype)) return scalar.ToComplexFloat64().ToString(format, culture);
        return torch.is_integral(element.dtype) ? scalar.ToInt64().ToString(culture) : scalar.ToDouble().ToString(format, culture);
    }
}
