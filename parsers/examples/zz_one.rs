use tapscope_parsers::sensitive::*;
fn main(){ for line in std::env::args().skip(1){ let mut s=Vec::new(); in_text(line.as_bytes(),&mut s); normalise(&mut s); let mut o=line.into_bytes(); for sp in s { for b in &mut o[sp.start..sp.end]{*b=b'*'} } println!("{}",String::from_utf8_lossy(&o)); } }
